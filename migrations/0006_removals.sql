ALTER TABLE `authenticators` ADD `client_id` text;--> statement-breakpoint
ALTER TABLE `authenticators` ADD `removed_at` integer;--> statement-breakpoint
ALTER TABLE `devices` ADD `let_in_by` text;--> statement-breakpoint
-- By hand: the trail knows which client enrolled an address, and which addresses there were before.
UPDATE `authenticators` SET `client_id` = (
  SELECT e.`client_id` FROM `audit_events` e
  WHERE e.`user_id` = `authenticators`.`user_id` AND e.`user_id` IS NOT NULL AND e.`type` = 'authenticator.enrolled'
    AND json_extract(e.`data`, '$.authenticator_id') = `authenticators`.`id`
  ORDER BY e.`id` DESC LIMIT 1
) WHERE `kind` <> 'device';--> statement-breakpoint
INSERT OR IGNORE INTO `authenticators` (`user_id`, `id`, `kind`, `created_at`, `removed_at`)
SELECT e.`user_id`, json_extract(e.`data`, '$.authenticator_id'), json_extract(e.`data`, '$.kind'), e.`at`, e.`at`
FROM `audit_events` e JOIN `users` u ON u.`id` = e.`user_id`
WHERE e.`type` = 'authenticator.removed' AND json_extract(e.`data`, '$.kind') IN ('email', 'sms');
