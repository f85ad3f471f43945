# unit tests of kv, blob, catalog and store
