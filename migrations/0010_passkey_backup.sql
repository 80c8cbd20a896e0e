ALTER TABLE `devices` ADD `backup_eligible` integer;--> statement-breakpoint
ALTER TABLE `devices` ADD `backed_up` integer;