"""What both formats' diagnoses have in common."""
