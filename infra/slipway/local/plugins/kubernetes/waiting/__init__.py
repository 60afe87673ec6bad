"""When an object is live, judged as the real plugin judges it."""
