"""Commands that say what a change would do before it is made, and ask the engine, too."""
