-- The public point of push_keys, 65 bytes; NULL in an account of schema 1, where it is calculated when it is needed.
ALTER TABLE accounts ADD COLUMN push_point BLOB;
