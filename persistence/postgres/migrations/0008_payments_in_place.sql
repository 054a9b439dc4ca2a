-- A payment's status is written twice in its life. With room on the page the row stays there, and none of its four indexes
-- hears of it (a HOT update).
alter table payments set (fillfactor = 80);
