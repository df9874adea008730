-- A history of schema 1, as a forkkeeper of that schema wrote it. Never changed: later ones must read it.
BEGIN TRANSACTION;
CREATE TABLE behind (
  night INTEGER NOT NULL REFERENCES night (number) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  upstream_commit INTEGER NOT NULL REFERENCES upstream_commit (number),
  PRIMARY KEY (night, position)
) STRICT, WITHOUT ROWID;
INSERT INTO "behind" VALUES(1,0,1);
INSERT INTO "behind" VALUES(1,1,2);
INSERT INTO "behind" VALUES(1,2,3);
INSERT INTO "behind" VALUES(1,3,4);
INSERT INTO "behind" VALUES(1,4,5);
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
INSERT INTO "count" VALUES(1,0,'check cpu','cpu','CPU',0,'ops',9,8,1,0.5,'pass');
CREATE TABLE effect (
  night INTEGER NOT NULL,
  behind INTEGER NOT NULL,
  position INTEGER NOT NULL,
  patch TEXT NOT NULL,
  effect TEXT NOT NULL,
  PRIMARY KEY (night, behind, position),
  FOREIGN KEY (night, behind) REFERENCES behind (night, position) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
INSERT INTO "effect" VALUES(1,3,0,'one','clash');
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
INSERT INTO "fate" VALUES(1,0,'one','clashed','',1,'','both','["a.c", "b.c"]','bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb','','');
INSERT INTO "fate" VALUES(1,1,'two','kept','',0,'','','[]','','','');
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
INSERT INTO "night" VALUES(1,'2026-10-02T02:00:00Z',3.33333333333333314829e-01,'0000000000000000000000000000000000000001','ffffffffffffffffffffffffffffffffffffffff','2026-06-20','eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee','2026-10-01','','0000000000000000000000000000000000000001',7,210,'0.1.0','a processor, 2 cores, Linux',1);
CREATE TABLE reach (
  night INTEGER PRIMARY KEY REFERENCES night (number) ON DELETE CASCADE,
  free TEXT NOT NULL,
  commits INTEGER NOT NULL,
  "of" INTEGER NOT NULL,
  blocker TEXT NOT NULL,
  blocker_title TEXT NOT NULL,
  blocker_link TEXT NOT NULL
) STRICT;
INSERT INTO "reach" VALUES(1,'0000000000000000000000000000000000000001',3,5,'bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb','they broke it','https://example.invalid/b');
CREATE TABLE sample (
  night INTEGER NOT NULL,
  speed INTEGER NOT NULL,
  whose TEXT NOT NULL,
  position INTEGER NOT NULL,
  value REAL,
  PRIMARY KEY (night, speed, whose, position),
  FOREIGN KEY (night, speed) REFERENCES speed (night, position) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
INSERT INTO "sample" VALUES(1,0,'baseline',0,1000000000.0);
INSERT INTO "sample" VALUES(1,0,'baseline',1,1000000001.0);
INSERT INTO "sample" VALUES(1,0,'fork',0,1100000000.0);
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
INSERT INTO "speed" VALUES(1,0,'stand','cpu','dense','pp32','instructions',0.1,0.05,0.15,'slower');
INSERT INTO "speed" VALUES(1,1,'trial','cpu','dense','tg4','time',0.0,0.0,0.0,'inconclusive');
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
INSERT INTO "step" VALUES(1,0,'step 0','check','trial','["check", "ops"]','["build cpu"]','cpu',600,'passed','forkkeeper check ops 0',0.1,'said so','{"schema": 1, "verb": "check", "exit": 0, "blocks": ["word1 word2 word3 word4 word5 word6 word7 word8 word9 word10 word11 word12 word13 word14 word15 word16 word17 word18 word19 word20", {"cases": 0}]}','word1 word2 word3 word4 word5 word6 word7 word8 word9 word10 word11 word12 word13 word14 word15 word16 word17 word18 word19 word20');
INSERT INTO "step" VALUES(1,1,'step 1','check','trial','["check", "ops"]','["build cpu"]','cpu',600,'passed','forkkeeper check ops 1',1.1,'said so','{"schema": 1, "verb": "check", "exit": 0, "blocks": ["word1 word2 word3 word4 word5 word6 word7 word8 word9 word10 word11 word12 word13 word14 word15 word16 word17 word18 word19 word20", {"cases": 1}]}','word1 word2 word3 word4 word5 word6 word7 word8 word9 word10 word11 word12 word13 word14 word15 word16 word17 word18 word19 word20');
INSERT INTO "step" VALUES(1,2,'step 2','check','trial','["check", "ops"]','["build cpu"]','cpu',600,'passed','forkkeeper check ops 2',2.1,'said so','{"schema": 1, "verb": "check", "exit": 0, "blocks": ["word1 word2 word3 word4 word5 word6 word7 word8 word9 word10 word11 word12 word13 word14 word15 word16 word17 word18 word19 word20", {"cases": 2}]}','word1 word2 word3 word4 word5 word6 word7 word8 word9 word10 word11 word12 word13 word14 word15 word16 word17 word18 word19 word20');
CREATE TABLE sync (
  position INTEGER PRIMARY KEY,
  from_sha TEXT NOT NULL,
  to_sha TEXT NOT NULL,
  date TEXT NOT NULL
) STRICT;
INSERT INTO "sync" VALUES(0,'0000000000000000000000000000000000000000','0000000000000000000000000000000000000001','2026-01-01');
INSERT INTO "sync" VALUES(1,'0000000000000000000000000000000000000001','0000000000000000000000000000000000000002','2026-02-01');
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
INSERT INTO "sync_patch" VALUES(0,0,'one','kept','',0,'');
INSERT INTO "sync_patch" VALUES(0,1,'two','dropped','',0,'—');
INSERT INTO "sync_patch" VALUES(1,0,'one','kept','',0,'');
INSERT INTO "sync_patch" VALUES(1,1,'two','dropped','',0,'—');
CREATE TABLE upstream_commit (
  number INTEGER PRIMARY KEY,
  sha TEXT NOT NULL,
  date TEXT NOT NULL,
  title TEXT NOT NULL,
  link TEXT NOT NULL,
  UNIQUE (sha, date, title, link)
) STRICT;
INSERT INTO "upstream_commit" VALUES(1,'0000000000000000000000000000000000000000','2026-10-01','title 0','');
INSERT INTO "upstream_commit" VALUES(2,'0000000000000000000000000000000000000001','2026-10-01','title 1','');
INSERT INTO "upstream_commit" VALUES(3,'0000000000000000000000000000000000000002','2026-10-01','title 2','');
INSERT INTO "upstream_commit" VALUES(4,'0000000000000000000000000000000000000003','2026-10-01','title 3','');
INSERT INTO "upstream_commit" VALUES(5,'0000000000000000000000000000000000000004','2026-10-01','title 4','');
CREATE INDEX night_digest ON night (digest);
COMMIT;
PRAGMA user_version = 1;
