"""From a validated warehouse to an immutable release."""
