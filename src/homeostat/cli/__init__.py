"""The command line: `homeostat <noun> <verb>`, one file for each noun."""
