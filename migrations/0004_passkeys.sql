ALTER TABLE `devices` ADD `credential_id` text;--> statement-breakpoint
ALTER TABLE `devices` ADD `sign_count` integer;--> statement-breakpoint
CREATE UNIQUE INDEX `devices_live_credential` ON `devices` (`credential_id`) WHERE revoked_at is null and credential_id is not null;