"""Where messages come in, as admins set it up."""
