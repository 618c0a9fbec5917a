"""Registration: plots become observations in one time and one frame, or are counted as unplaceable with the reason."""
