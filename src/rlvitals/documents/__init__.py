"""What a page or a report says, independent of any format."""
