"""What is sent to a service, and what must come back; it knows neither Locust nor how a campaign runs."""
