-- Schema 1. docs/history.md says what each column is. Lists are kept in order: "position" counts from 0.
-- A column whose name is a word of SQL's stands in quotes.

CREATE TABLE night (
  number INTEGER PRIMARY KEY,
  began TEXT NOT NULL,
  seconds REAL,
  fork TEXT NOT NULL,
  pin TEXT NOT NULL,
  pin_date TEXT NOT NULL,
  head TEXT NOT NULL,
  head_date TEXT NOT NULL,
  tried TEXT NOT NULL,
  digest TEXT NOT NULL,
  patches INTEGER NOT NULL,
  lines INTEGER NOT NULL,
  tool TEXT NOT NULL,
  machine TEXT NOT NULL,
  has_history INTEGER NOT NULL
) STRICT;
CREATE INDEX night_digest ON night (digest);

CREATE TABLE step (
  night INTEGER NOT NULL REFERENCES night (number) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  name TEXT NOT NULL,
  kind TEXT NOT NULL,
  side TEXT NOT NULL,
  words TEXT NOT NULL,
  needs TEXT NOT NULL,
  variant TEXT NOT NULL,
  allowed INTEGER NOT NULL,
  ending TEXT NOT NULL,
  command TEXT NOT NULL,
  seconds REAL,
  said TEXT NOT NULL,
  document TEXT,
  log TEXT NOT NULL,
  PRIMARY KEY (night, position)
) STRICT;

CREATE TABLE reach (
  night INTEGER PRIMARY KEY REFERENCES night (number) ON DELETE CASCADE,
  free TEXT NOT NULL,
  commits INTEGER NOT NULL,
  "of" INTEGER NOT NULL,
  blocker TEXT NOT NULL,
  blocker_title TEXT NOT NULL,
  blocker_link TEXT NOT NULL
) STRICT;

CREATE TABLE fate (
  night INTEGER NOT NULL REFERENCES night (number) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  patch TEXT NOT NULL,
  outcome TEXT NOT NULL,
  rule TEXT NOT NULL,
  review INTEGER NOT NULL,
  root TEXT NOT NULL,
  why TEXT NOT NULL,
  paths TEXT NOT NULL,
  culprit TEXT NOT NULL,
  culprit_title TEXT NOT NULL,
  culprit_link TEXT NOT NULL,
  PRIMARY KEY (night, position)
) STRICT;

-- Night after night has nearly the same commits behind it: each is written once.
CREATE TABLE upstream_commit (
  number INTEGER PRIMARY KEY,
  sha TEXT NOT NULL,
  date TEXT NOT NULL,
  title TEXT NOT NULL,
  link TEXT NOT NULL,
  UNIQUE (sha, date, title, link)
) STRICT;

CREATE TABLE behind (
  night INTEGER NOT NULL REFERENCES night (number) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  upstream_commit INTEGER NOT NULL REFERENCES upstream_commit (number),
  PRIMARY KEY (night, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE effect (
  night INTEGER NOT NULL,
  behind INTEGER NOT NULL,
  position INTEGER NOT NULL,
  patch TEXT NOT NULL,
  effect TEXT NOT NULL,
  PRIMARY KEY (night, behind, position),
  FOREIGN KEY (night, behind) REFERENCES behind (night, position) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE TABLE count (
  night INTEGER NOT NULL REFERENCES night (number) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  step TEXT NOT NULL,
  variant TEXT NOT NULL,
  device TEXT NOT NULL,
  emulated INTEGER NOT NULL,
  "check" TEXT NOT NULL,
  cases INTEGER NOT NULL,
  passed INTEGER NOT NULL,
  skipped INTEGER NOT NULL,
  seconds REAL,
  verdict TEXT NOT NULL,
  PRIMARY KEY (night, position)
) STRICT;

CREATE TABLE speed (
  night INTEGER NOT NULL REFERENCES night (number) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  side TEXT NOT NULL,
  variant TEXT NOT NULL,
  model TEXT NOT NULL,
  test TEXT NOT NULL,
  metric TEXT NOT NULL,
  change REAL,
  low REAL,
  high REAL,
  verdict TEXT NOT NULL,
  PRIMARY KEY (night, position)
) STRICT;

CREATE TABLE sample (
  night INTEGER NOT NULL,
  speed INTEGER NOT NULL,
  whose TEXT NOT NULL,
  position INTEGER NOT NULL,
  value REAL,
  PRIMARY KEY (night, speed, whose, position),
  FOREIGN KEY (night, speed) REFERENCES speed (night, position) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE TABLE sync (
  position INTEGER PRIMARY KEY,
  from_sha TEXT NOT NULL,
  to_sha TEXT NOT NULL,
  date TEXT NOT NULL
) STRICT;

CREATE TABLE sync_patch (
  sync INTEGER NOT NULL REFERENCES sync (position) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  name TEXT NOT NULL,
  outcome TEXT NOT NULL,
  rule TEXT NOT NULL,
  accepted INTEGER NOT NULL,
  why TEXT NOT NULL,
  PRIMARY KEY (sync, position)
) STRICT, WITHOUT ROWID;
