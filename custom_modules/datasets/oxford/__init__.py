"""Oxford-IIIT Pet: its archives, its checks and its data set."""
