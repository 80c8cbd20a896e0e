CREATE TABLE `recovery_codes` (
	`user_id` text NOT NULL,
	`number` integer NOT NULL,
	`code_hash` text NOT NULL,
	`made_at` integer NOT NULL,
	`used_at` integer,
	PRIMARY KEY(`user_id`, `number`)
) WITHOUT ROWID;
--> statement-breakpoint
ALTER TABLE `devices` ADD `by_code` integer;