CREATE TABLE `actions` (
	`user_id` text NOT NULL,
	`client_id` text NOT NULL,
	`code` text NOT NULL,
	`idempotency_key` text NOT NULL,
	`state` text NOT NULL,
	`state_at` integer NOT NULL,
	`created_at` integer NOT NULL,
	`method` text,
	`verified_by` text,
	`challenge_id` text,
	`context` text NOT NULL,
	PRIMARY KEY(`user_id`, `client_id`, `code`, `idempotency_key`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `authenticators` (
	`user_id` text NOT NULL,
	`id` text NOT NULL,
	`kind` text NOT NULL,
	`identifier` text,
	`push_token` text,
	`created_at` integer NOT NULL,
	`verified_at` integer,
	`last_verified_at` integer,
	PRIMARY KEY(`user_id`, `id`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `profiles` (
	`user_id` text PRIMARY KEY NOT NULL,
	`profile` text NOT NULL,
	`updated_at` integer NOT NULL
) WITHOUT ROWID;
