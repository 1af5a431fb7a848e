"""What an author writes: model, loading, validation."""
