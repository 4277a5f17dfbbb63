//! The web server: API, metrics, dashboard.
