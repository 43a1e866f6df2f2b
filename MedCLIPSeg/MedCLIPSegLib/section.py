"""What every section of the panel can be told."""


class Section:
    """A part of the panel; does nothing unless it says otherwise."""

    def enter(self) -> None:
        """The panel is shown: turn keys on and look again at what may have changed."""

    def exit(self) -> None:
        """Another module is shown: let keys and views go. A run goes on."""

    def refresh(self) -> None:
        """Show the state of the logic."""

    def cleanup(self) -> None:
        """The panel goes away: let go of everything."""
