"""The program that watches shifts: it compares both sides, and goes on or rolls back."""
