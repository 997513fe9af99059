"""Files made to do harm. Each is opened in a process that notes down what it does."""
