ALTER TABLE `clients` ADD `realm` text DEFAULT 'main' NOT NULL;--> statement-breakpoint
ALTER TABLE `devices` ADD `realm` text DEFAULT 'main' NOT NULL;--> statement-breakpoint
DROP INDEX `devices_live_key`;--> statement-breakpoint
DROP INDEX `devices_live_credential`;--> statement-breakpoint
CREATE UNIQUE INDEX `devices_realm_key` ON `devices` (`fingerprint`,`realm`) WHERE revoked_at is null;--> statement-breakpoint
CREATE UNIQUE INDEX `devices_realm_credential` ON `devices` (`credential_id`,`realm`) WHERE revoked_at is null and credential_id is not null;--> statement-breakpoint
ALTER TABLE `users` ADD `realm` text DEFAULT 'main' NOT NULL;--> statement-breakpoint
ALTER TABLE `users` ADD `external_owner` text;--> statement-breakpoint
ALTER TABLE `users` ADD `external_client` text;--> statement-breakpoint
-- The client that made the user is on record; else the one that asked about them; else the only one there is.
UPDATE `users` SET `external_client` = coalesce(
	(SELECT coalesce(a.client_id, CASE WHEN a.actor LIKE 'client:%' THEN substr(a.actor, 8) END) FROM audit_events a
		WHERE a.user_id = users.id AND a.user_id IS NOT NULL AND a.type = 'user.created' ORDER BY a.id LIMIT 1),
	(SELECT x.client_id FROM actions x WHERE x.user_id = users.id LIMIT 1),
	(SELECT c.id FROM clients c WHERE (SELECT count(*) FROM clients) = 1)
);--> statement-breakpoint
CREATE TABLE `identifiers_owned` (
	`realm` text DEFAULT 'main' NOT NULL,
	`kind` text NOT NULL,
	`normal` text NOT NULL,
	`owner` text NOT NULL,
	`value` text NOT NULL,
	`user_id` text NOT NULL,
	`asserted_by` text NOT NULL,
	`client_id` text,
	`verified_at` integer,
	`vouched_at` integer,
	`created_at` integer NOT NULL,
	PRIMARY KEY(`realm`, `kind`, `normal`, `owner`)
) WITHOUT ROWID;
--> statement-breakpoint
-- A backend's "verified" was kept like a proof, and a proof of its address later could not be told from it: both are the backend's word.
INSERT INTO `identifiers_owned`
SELECT 'main', i.kind, i.normal,
	CASE
		WHEN i.verified_at IS NOT NULL AND i.asserted_by <> 'client' THEN ''
		WHEN i.asserted_by = 'client' THEN coalesce(u.external_client, '?')
		WHEN i.asserted_by = 'anonymous' THEN '?' || coalesce(u.external_client, '')
		ELSE '*'
	END,
	i.value, i.user_id, i.asserted_by,
	CASE WHEN i.asserted_by <> 'admin' THEN u.external_client END,
	CASE WHEN i.asserted_by <> 'client' THEN i.verified_at END,
	CASE WHEN i.asserted_by = 'client' THEN i.verified_at END,
	i.created_at
FROM identifiers i
JOIN users u ON u.id = i.user_id;--> statement-breakpoint
DROP TABLE `identifiers`;--> statement-breakpoint
ALTER TABLE `identifiers_owned` RENAME TO `identifiers`;--> statement-breakpoint
CREATE INDEX `identifiers_user` ON `identifiers` (`user_id`);--> statement-breakpoint
UPDATE `users` SET
	`external_owner` = CASE
		WHEN external_id IS NULL THEN NULL
		WHEN external_asserted_by = 'client' THEN coalesce(external_client, '?')
		WHEN external_asserted_by = 'anonymous' THEN '?' || coalesce(external_client, '')
		ELSE '*'
	END,
	`external_client` = CASE WHEN external_id IS NOT NULL AND external_asserted_by IN ('client', 'anonymous') THEN external_client END;--> statement-breakpoint
DROP INDEX `users_external_id_unique`;--> statement-breakpoint
CREATE UNIQUE INDEX `users_external_name` ON `users` (`realm`,`external_id`,`external_owner`) WHERE external_id is not null;
