"""What runs in the environments of the peers; nothing of homeostat is imported here."""
