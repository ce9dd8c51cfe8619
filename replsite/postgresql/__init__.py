"""Django's PostgreSQL, asked less often whether it is still there: the site's database engine."""
