# tests/fs
