"""What training minimises: one file for each loss."""
