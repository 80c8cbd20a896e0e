CREATE TABLE `dev_outbox` (
	`id` text PRIMARY KEY NOT NULL,
	`recipient` text NOT NULL,
	`channel` text NOT NULL,
	`sealed` text NOT NULL,
	`at` integer NOT NULL
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `dev_outbox_recipient` ON `dev_outbox` (`recipient`,`at`);