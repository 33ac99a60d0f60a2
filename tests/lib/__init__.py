"""The test harness: private servers and clients that show every detail."""
