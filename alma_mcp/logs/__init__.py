"""What happened: experiences, questions, answers of models, and what a person says of them."""
