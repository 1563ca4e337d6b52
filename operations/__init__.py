"""What keeps a running installation healthy: nothing here makes a figure."""
