CREATE TABLE `audit_events` (
	`id` text PRIMARY KEY NOT NULL,
	`at` integer NOT NULL,
	`type` text NOT NULL,
	`actor` text NOT NULL,
	`user_id` text,
	`client_id` text,
	`device_id` text,
	`ip` text,
	`reason` text,
	`data` text
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `audit_events_user` ON `audit_events` (`user_id`,`id`) WHERE user_id is not null;--> statement-breakpoint
CREATE TABLE `clients` (
	`id` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`kind` text NOT NULL,
	`secret_hash` text,
	`secret_sealed` text,
	`old_secret_hash` text,
	`old_secret_sealed` text,
	`old_secret_until` integer,
	`redirect_uris` text NOT NULL,
	`allowed_origins` text NOT NULL,
	`grant_types` text NOT NULL,
	`public_keys` text NOT NULL,
	`webhook_url` text,
	`notification_endpoint` text,
	`settings` text NOT NULL,
	`disabled_at` integer,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `clients_secret_hash_unique` ON `clients` (`secret_hash`);--> statement-breakpoint
CREATE UNIQUE INDEX `clients_old_secret_hash_unique` ON `clients` (`old_secret_hash`);--> statement-breakpoint
CREATE TABLE `devices` (
	`id` text PRIMARY KEY NOT NULL,
	`user_id` text NOT NULL,
	`fingerprint` text NOT NULL,
	`algorithm` text NOT NULL,
	`public_key` text NOT NULL,
	`name` text NOT NULL,
	`kind` text NOT NULL,
	`door` text NOT NULL,
	`client_id` text NOT NULL,
	`enrolled_at` integer NOT NULL,
	`revoked_at` integer,
	`revoked_reason` text
) WITHOUT ROWID;
--> statement-breakpoint
CREATE UNIQUE INDEX `devices_live_key` ON `devices` (`fingerprint`) WHERE revoked_at is null;--> statement-breakpoint
CREATE INDEX `devices_user` ON `devices` (`user_id`);--> statement-breakpoint
CREATE TABLE `grants` (
	`user_id` text NOT NULL,
	`id` text NOT NULL,
	`client_id` text NOT NULL,
	`device_id` text,
	`scope` text NOT NULL,
	`amr` text NOT NULL,
	`created_at` integer NOT NULL,
	PRIMARY KEY(`user_id`, `id`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `identifiers` (
	`kind` text NOT NULL,
	`normal` text NOT NULL,
	`value` text NOT NULL,
	`user_id` text NOT NULL,
	`asserted_by` text NOT NULL,
	`verified_at` integer,
	`created_at` integer NOT NULL,
	PRIMARY KEY(`kind`, `normal`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `identifiers_user` ON `identifiers` (`user_id`);--> statement-breakpoint
CREATE TABLE `signing_keys` (
	`lane` text NOT NULL,
	`generation` integer NOT NULL,
	`kid` text NOT NULL,
	`algorithm` text NOT NULL,
	`public_jwk` text NOT NULL,
	`wrapped_private` text NOT NULL,
	`wrapped_by` integer NOT NULL,
	`created_at` integer NOT NULL,
	`activates_at` integer NOT NULL,
	PRIMARY KEY(`lane`, `generation`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `user_codes` (
	`code_hash` text PRIMARY KEY NOT NULL,
	`kind` text NOT NULL,
	`purpose` text NOT NULL,
	`client_id` text NOT NULL,
	`user_id` text,
	`challenge_id` text NOT NULL,
	`expires_at` integer NOT NULL
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `user_codes_expiry` ON `user_codes` (`expires_at`);--> statement-breakpoint
CREATE TABLE `users` (
	`id` text PRIMARY KEY NOT NULL,
	`external_id` text,
	`external_asserted_by` text,
	`status` text NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL
) WITHOUT ROWID;
--> statement-breakpoint
CREATE UNIQUE INDEX `users_external_id_unique` ON `users` (`external_id`);
