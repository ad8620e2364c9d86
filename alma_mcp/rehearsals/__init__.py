"""A challenger takes in this home's memories and answers its questions before anybody decides."""
