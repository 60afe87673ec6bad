"""The page for people, at `/`: how it is put together, the document that says what can be asked, and the graph."""
