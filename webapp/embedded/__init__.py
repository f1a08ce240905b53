"""PostgreSQL and Valkey out of wheels, and the one command that runs them together with the application."""
