"""What rows of the study say."""
