"""What `interop/compare` is made of: see there."""
