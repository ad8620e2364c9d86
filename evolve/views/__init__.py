"""What a person is shown of a search, as text, pictures and data."""
