"""What an edge under attack does to a viewer who only wants a page."""
