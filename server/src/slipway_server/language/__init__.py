"""A language model served by llama.cpp, over OpenAI's API: requests, the engine, streams of tokens."""
