CREATE TABLE `used_nonces` (
	`client_id` text NOT NULL,
	`nonce_hash` text NOT NULL,
	`use_hash` text,
	`expires_at` integer NOT NULL,
	PRIMARY KEY(`client_id`, `nonce_hash`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `used_nonces_expiry` ON `used_nonces` (`expires_at`);--> statement-breakpoint
CREATE INDEX `user_codes_user` ON `user_codes` (`user_id`,`kind`,`purpose`) WHERE user_id is not null;