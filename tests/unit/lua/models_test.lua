-- The spin models, as part of the unit tests.

dofile("tests/models/run.lua")
