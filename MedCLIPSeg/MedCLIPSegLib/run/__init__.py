"""Run: from the button to the engine on its thread, and from its result into the scene."""
