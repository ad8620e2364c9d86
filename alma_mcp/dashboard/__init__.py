"""The dashboard: local pages about the memory, served by the engine. What a page is says `section`."""
