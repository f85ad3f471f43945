# src/catalog
