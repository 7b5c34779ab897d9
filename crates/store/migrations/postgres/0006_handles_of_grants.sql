-- When a grant was renewed last is when its newest refresh token was made.
CREATE INDEX handles_of_grant ON handles (grant_id, kind, created);
