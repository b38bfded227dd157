"""``/v1/insights``: the figures behind the dashboards."""
