# tests/same
