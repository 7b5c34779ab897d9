-- How each credential was last used, and from where.
ALTER TABLE uses ADD COLUMN way TEXT;
ALTER TABLE uses ADD COLUMN peer TEXT;
