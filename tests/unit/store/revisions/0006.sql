BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0006');
CREATE TABLE drifts (
	id INTEGER NOT NULL, 
	project VARCHAR(63) NOT NULL, 
	target TEXT NOT NULL, 
	seen VARCHAR(40) NOT NULL, 
	cause TEXT NOT NULL, 
	words TEXT NOT NULL, 
	mended VARCHAR(40), 
	PRIMARY KEY (id)
);
INSERT INTO "drifts" VALUES(1,'shop','production/api','2026-01-01T00:00:00.000+00:00','AWS was changed','memorySize: 1024 -> 256',NULL);
CREATE TABLE events (
	id INTEGER NOT NULL, 
	at VARCHAR(40) NOT NULL, 
	project VARCHAR(63) NOT NULL, 
	kind VARCHAR(16) NOT NULL, 
	words TEXT NOT NULL, 
	target TEXT, 
	version TEXT, 
	actor TEXT NOT NULL, 
	"commit" VARCHAR(64), 
	source TEXT, 
	run VARCHAR(16), 
	PRIMARY KEY (id)
);
INSERT INTO "events" VALUES(1,'2026-01-01T00:00:00.000+00:00','shop','deployed','declared by Ada in cafecafe','staging/api','1.0.0','Ada','cafecafecafecafecafecafecafecafecafecafe',NULL,'0123456789abcdef');
CREATE TABLE orders (
	id INTEGER NOT NULL, 
	project VARCHAR(63) NOT NULL, 
	run VARCHAR(16) NOT NULL, 
	said TEXT NOT NULL, 
	PRIMARY KEY (id)
);
CREATE TABLE rollouts (
	id INTEGER NOT NULL, 
	project VARCHAR(63) NOT NULL, 
	target TEXT NOT NULL, 
	release TEXT NOT NULL, 
	began VARCHAR(40) NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	words TEXT NOT NULL, 
	ended VARCHAR(40), 
	PRIMARY KEY (id)
);
INSERT INTO "rollouts" VALUES(1,'shop','staging/api','1.0.0','2026-01-01T00:00:00.000+00:00','running','10% 1.0.0, step 1 of 2',NULL);
CREATE TABLE runs (
	id VARCHAR(16) NOT NULL, 
	project VARCHAR(63) NOT NULL, 
	began VARCHAR(40) NOT NULL, 
	why TEXT NOT NULL, 
	actor TEXT NOT NULL, 
	"commit" VARCHAR(64), 
	targets TEXT NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	ended VARCHAR(40), 
	words TEXT NOT NULL, 
	calls INTEGER NOT NULL, first VARCHAR(16), pull TEXT, 
	PRIMARY KEY (id)
);
INSERT INTO "runs" VALUES('0123456789abcdef','shop','2026-01-01T00:00:00.000+00:00','cafecafe was pushed','Ada','cafecafecafecafecafecafecafecafecafecafe','staging/api','done','2026-01-01T00:00:00.000+00:00','1 done',7,NULL,'https://git.example.org/acme/gitops/pull/7');
CREATE TABLE sent (
	"key" VARCHAR(40) NOT NULL, 
	destination VARCHAR(63) NOT NULL, 
	remote TEXT NOT NULL, 
	digest VARCHAR(64) NOT NULL, 
	at VARCHAR(40) NOT NULL, 
	PRIMARY KEY ("key", destination)
);
INSERT INTO "sent" VALUES('run/0123456789abcdef','on-call','1.1','aa','2026-01-01T00:00:00.000+00:00');
CREATE TABLE sessions (
	id VARCHAR(64) NOT NULL, 
	subject TEXT NOT NULL, 
	name TEXT NOT NULL, 
	groups TEXT NOT NULL, 
	began VARCHAR(40) NOT NULL, 
	checked VARCHAR(40) NOT NULL, 
	ends VARCHAR(40) NOT NULL, 
	sealed TEXT NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "sessions" VALUES('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa','1','Ada','["developers"]','2026-01-01T00:00:00.000+00:00','2026-01-01T00:00:00.000+00:00','2999-01-01T00:00:00.000+00:00','x');
CREATE TABLE steps (
	id INTEGER NOT NULL, 
	run VARCHAR(16) NOT NULL, 
	at VARCHAR(40) NOT NULL, 
	target TEXT NOT NULL, 
	words TEXT NOT NULL, 
	outcome VARCHAR(16) NOT NULL, 
	seconds FLOAT NOT NULL, 
	error TEXT NOT NULL, 
	requests TEXT NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "steps" VALUES(1,'0123456789abcdef','2026-01-01T00:00:00.000+00:00','staging/api','create function','done',0.5,'','one two');
CREATE TABLE turns (
	project VARCHAR(63) NOT NULL, 
	token INTEGER NOT NULL, 
	worker TEXT NOT NULL, 
	until FLOAT NOT NULL, 
	due FLOAT NOT NULL, 
	hinted BOOLEAN NOT NULL, 
	version INTEGER NOT NULL, 
	state TEXT NOT NULL, heard TEXT DEFAULT '' NOT NULL, 
	PRIMARY KEY (project)
);
CREATE INDEX runs_began ON runs (began);
CREATE INDEX steps_run ON steps (run);
CREATE INDEX steps_at ON steps (at);
CREATE INDEX events_at ON events (at);
CREATE INDEX events_target ON events (project, target);
CREATE INDEX drifts_open ON drifts (project, mended);
CREATE INDEX drifts_seen ON drifts (seen);
CREATE INDEX rollouts_open ON rollouts (project, ended);
CREATE INDEX sessions_ends ON sessions (ends);
CREATE INDEX orders_project ON orders (project);
COMMIT;
