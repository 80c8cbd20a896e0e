CREATE TABLE `client_profiles` (
	`user_id` text NOT NULL,
	`client_id` text NOT NULL,
	`profile` text NOT NULL,
	`updated_at` integer NOT NULL,
	PRIMARY KEY(`user_id`, `client_id`)
) WITHOUT ROWID;
--> statement-breakpoint
-- Who wrote a profile was not kept. It goes to the client that named the person, else to the only one that has asked anything of them.
INSERT INTO `client_profiles` (`user_id`, `client_id`, `profile`, `updated_at`)
SELECT `user_id`, `writer`, `profile`, `updated_at` FROM (
	SELECT p.*, coalesce(
		CASE WHEN u.`external_asserted_by` = 'client' THEN u.`external_client` END,
		(SELECT CASE WHEN count(DISTINCT a.`client_id`) = 1 THEN min(a.`client_id`) END FROM `actions` a WHERE a.`user_id` = p.`user_id`)
	) AS `writer`
	FROM `profiles` p JOIN `users` u ON u.`id` = p.`user_id`
) WHERE `writer` IS NOT NULL;
