"""The API beside moto's server, the open implementation that most test suites use today."""
